import Market
import Primitives
import Testing

@Suite struct `Search query` {
    static func refusal(_ text: String) -> String? {
        do throws(SearchQueryError) {
            _ = try SearchQuery(text: text)
            return nil
        } catch {
            return error.description
        }
    }

    @Test(arguments: [
        (
            "gpu=rtx-4090 count>=2 memory>=24GB price<=0.40 country in [DE,FR] trust>=0.5",
            "gpu=rtx-4090 count>=2 memory>=24GB price<=0.4USD country in [DE,FR] trust>=0.5"
        ),
        ("gpu = RTX_4090   and  count >= 2", "gpu=rtx-4090 count>=2"),
        ("gpu=\"GeForce RTX 4090\"", "gpu=rtx-4090"),
        ("gpu!=a100_sxm4", "gpu notin [a100-sxm4-40gb,a100-sxm4-80gb]"),
        ("gpu in [a100_sxm4, rtx-4090, RTX_4090]", "gpu in [a100-sxm4-40gb,a100-sxm4-80gb,rtx-4090]"),
        ("gpu in [rtx-4090]", "gpu=rtx-4090"),
        ("(gpu=rtx-4090 count>=2 OR gpu=h200)", "(gpu=rtx-4090 count>=2 or gpu=h200-sxm)"),
        ("memory>=24GiB memory<24000MB memory=1TB", "memory>=24GB memory<24000MB memory=1TB"),
        ("memory>=0.5", "memory>=512MB"),
        ("age<90s duration>=7d min<=60m max>1w age=0s", "age<90s duration>=7d min<=1h max>7d age=0s"),
        ("down>=500Mbps up>1.5Gbps down<64kbps", "down>=500Mbps up>1500Mbps down<64kbps"),
        ("price<=$0.40 price<100sat price<2EUR", "price<=0.4USD price<100sat price<2EUR"),
        ("price<=0.5 unit=eur", "price<=0.5EUR unit=EUR"),
        ("unit=KWH", "unit=kWh"),
        ("country=de continent=europe", "country=DE continent=EU"),
        ("cuda>=8 cuda<9.0 trust>=0.5", "cuda>=8.0 cuda<9.0 trust>=0.5"),
        (
            "bandwidth>=1TB/s fp16>100 fp32>=82.58 tdp<=450W power<0.5kW",
            "bandwidth>=1000GB/s fp16>100 fp32>=82.58 tdp<=450W power<500W"
        ),
        ("live=yes interruptible=0", "live=true interruptible=false"),
        ("city=\"New York\" region=Berlin", "city=\"new york\" city=berlin"),
        ("runtime=docker machine=AB offer=cd provider=12D3Koo", "runtime=docker machine=ab offer=cd provider=12D3Koo"),
        ("", ""),
    ]) func `a query prints in its one form, which reads back as itself`(text: String, canonical: String) throws {
        let query = try SearchQuery(text: text)

        #expect(query.description == canonical)
        #expect(try SearchQuery(text: canonical) == query)
    }

    @Test(arguments: [
        ("gpu=rtx-4090 memry>=24GB", "character 14: unknown field 'memry'; did you mean 'memory'?"),
        (
            "gpu=rtx-409",
            "character 5: 'rtx-409' is no value for 'gpu': it takes a GPU of the catalogue, such as rtx-4090 or a100; did you mean 'rtx-4090'?"
        ),
        (
            "class=consumr",
            "character 7: 'consumr' is no value for 'class': it takes one of consumer, workstation, datacenter, other; did you mean 'consumer'?"
        ),
        ("memory>=much", "character 9: 'much' is no value for 'memory': it takes a size, such as 24GB"),
        ("age<30", "character 5: '30' is no value for 'age': it takes a time with its unit, such as 30m, 1h or 7d"),
        ("count=1.5", "character 7: '1.5' is no value for 'count': it takes a whole number, such as 2"),
        ("count>=-1", "character 8: '-1' is no value for 'count': it takes a whole number, such as 2"),
        ("trust>=1.5", "character 8: '1.5' is no value for 'trust': it takes a number from 0 to 1, such as 0.5"),
        (
            "price<=0.0000001",
            "character 8: '0.0000001' is no value for 'price': it takes an amount per GPU-hour, such as 0.40, $0.40 or 500sat"
        ),
        (
            "price<=1e3",
            "character 8: '1e3' is no value for 'price': it takes an amount per GPU-hour, such as 0.40, $0.40 or 500sat"
        ),
        (
            "country=Germany",
            "character 9: 'Germany' is no value for 'country': it takes a country code of two letters, such as DE"
        ),
        ("gpu>rtx-4090", "character 4: 'gpu' has no order, so '>' does not apply; use = != in notin"),
        ("price<=0.35 EUR", "character 13: a number and its unit are one word: write 0.35EUR"),
        ("price<=0.35 $ count>=2", "character 13: a number and its unit are one word: write $0.35"),
        ("memory>=24 GB gpu=rtx-4090", "character 12: a number and its unit are one word: write 24GB"),
        ("price<=0.35 gpx=rtx-4090", "character 13: unknown field 'gpx'; did you mean 'gpu'?"),
        ("count", "character 6: 'count' needs an operator: = != < <= > >= in notin"),
        ("live true", "character 6: 'live' needs an operator: = != < <= > >= in notin"),
        ("count>=", "character 8: 'count' needs a value"),
        ("count==2", "character 6: found '==' where one of = != < <= > >= is expected"),
        ("country in DE", "character 12: found 'DE' where a list such as [a,b] is expected"),
        ("country in [DE", "character 12: '[' is never closed"),
        ("country in [DE FR]", "character 16: found 'FR' where ',' or ']' is expected"),
        ("country in []", "character 13: 'country' needs a value"),
        ("city=\"Berlin", "character 6: '\"' is never closed"),
        ("(count=1", "character 1: '(' is never closed"),
        ("(count=1 or )", "character 13: found ')' where a field or '(' is expected"),
        ("()", "character 2: found ')' where a field or '(' is expected"),
        ("count=1)", "character 8: found ')' where a field or the end is expected"),
        ("count=1 or count=2", "character 9: alternatives stand in parentheses: (… or …)"),
        ("=", "character 1: found '=' where a field or '(' is expected"),
        ("größe=1", "character 1: unknown field 'größe'; the fields are "),
    ]) func `an error says where, what and what instead`(text: String, error: String) {
        #expect(Self.refusal(text)?.hasPrefix(error) == true, "\(Self.refusal(text) ?? "no error")")
    }

    @Test func `every limit is enforced`() throws {
        let spaces = String(repeating: " ", count: SearchQuery.byteCountMax)
        #expect(Self.refusal(spaces) == nil)
        #expect(Self.refusal(spaces + " ") == "character 1: the query has 4097 bytes, at most 4096 are read")

        let conditions = Array(repeating: "count=1", count: SearchQuery.conditionCountMax).joined(separator: " ")
        #expect(Self.refusal(conditions) == nil)
        #expect(Self.refusal(conditions + " count=1")?.hasSuffix("more than 64 conditions") == true)

        let values = (0..<SearchQuery.valueCountMax).map(String.init).joined(separator: ",")
        #expect(Self.refusal("count in [\(values)]") == nil)
        #expect(Self.refusal("count in [\(values),64]")?.hasSuffix("more than 64 values in a list") == true)

        func nested(_ depth: Int) -> String {
            String(repeating: "(", count: depth) + "count=1" + String(repeating: ")", count: depth)
        }
        #expect(Self.refusal(nested(SearchQuery.depthMax)) == nil)
        #expect(Self.refusal(nested(SearchQuery.depthMax + 1)) == "character 9: parentheses nest deeper than 8")
        #expect(Self.refusal(nested(2_000)) == "character 9: parentheses nest deeper than 8")
    }

    @Test(arguments: [
        ("count>=2", 2), ("count>2", 3), ("count in [4,2]", 2), ("count<=8", 1), ("gpu=h200", 1), ("count>=4000", 32),
    ])
    func `a quote is for the fewest GPUs that the query allows`(text: String, count: Int) throws {
        #expect(try SearchQuery(text: text).gpuCount == count)
    }

    @Test(arguments: 0..<8) func `random text never traps, and what is read prints as what reads the same`(seed: UInt8)
    {
        var random = SeededRandom(seed: Array(repeating: seed, count: SeededRandom.seedByteCount))
        let pieces = [
            "gpu", "count", "price", "memory", "age", "trust", "country", "=", "!=", "<", "<=", ">", ">=", " in ",
            " notin ",
            "[", "]", "(", ")", ",", " or ", " ", "rtx-4090", "24GB", "0.4", "$1", "7d", "DE", "2", "\"", "é", "\u{0}",
            "99999999999999999999", "1000000000000TB",
        ]
        for _ in 0..<300 {
            let text = (0..<random.below(12)).map { _ in pieces[random.below(pieces.count)] }.joined()
            guard let query = try? SearchQuery(text: text) else { continue }
            #expect((try? SearchQuery(text: query.description)) == query, "\(text)")
        }
    }
}
