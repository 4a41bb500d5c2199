import Foundation
import Testing

@Suite(.serialized, .timeLimit(.minutes(1))) struct `Words for what is wrong` {
    @Test(arguments: [
        ("00", "it is no signed envelope"), ("zz!", "neither base64url nor hexadecimal"),
        ("0a", "it is no signed envelope"),
    ])
    func `a bad envelope is explained without the program's own names`(text: String, reason: String) async throws {
        let home = try TestHome()
        let file = try home.write(text + "\n", to: "bad.txt")
        let result = try await home.run("record", "verify", file)
        #expect(result.code == 1)
        #expect(result.output == "1: bad: \(reason)\n")
    }

    @Test func `a GPU that the catalogue lacks needs no node to be found out`() async throws {
        let home = try TestHome()
        let slip = try await home.run("offer", "publish", "--gpu", "rtx-4091", "--price", "1")
        #expect(slip.code == 2)
        #expect(slip.complaint.contains("did you mean 'rtx-4090'?"))
        let good = try await home.run("offer", "publish", "--gpu", "rtx-4090", "--price", "1")
        #expect(good.code == 3)
    }
}
