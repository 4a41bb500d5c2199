import LocalAPI
import Testing

@Suite struct `Whom a search has asked` {
    private func asked(_ json: String) throws -> AskedView {
        try JSONFormat.decode(AskedView.self, from: Array(json.utf8))
    }

    private func replica(_ peer: String, omitted: Int) -> String {
        #"{"peer":"\#(peer)","segments":["other/0"],"records":3,"omitted":\#(omitted)}"#
    }

    @Test func `is no warning while three answered in full`() throws {
        let replicas = ["a", "b", "c"].map { replica($0, omitted: 0) }.joined(separator: ",")
        #expect(try asked(#"{"segments":["other/0"],"replicas":[\#(replicas)],"weak":[]}"#).warnings == [])
    }

    @Test func `is a warning for each that hid something, and one for where too few answered`() throws {
        let replicas = [replica("a", omitted: 1), replica("b", omitted: 0), replica("c", omitted: 12)]
        let json = """
            {"segments":["other/0"],"replicas":[\(replicas.joined(separator: ","))],"weak":["other/0","other/1"]}
            """
        #expect(
            try asked(json).warnings == [
                "a left out 1 offer that others have; it is asked last from now on",
                "c left out 12 offers that others have; it is asked last from now on",
                "fewer than 3 peers in distinct networks answered for other/0, other/1: offers may be missing",
            ]
        )
    }
}
