import Primitives
import Testing

@Suite struct `Slot table` {
    @Test func `values are put in, changed in place and taken out`() {
        var table = SlotTable<Int, [Int]>()
        table[7] = [1]
        table[7]?.append(2)
        table[8] = [3]
        #expect(table[7] == [1, 2] && table[8] == [3] && table[9] == nil)
        #expect(table.count == 2 && Set(table.keys) == [7, 8])
        #expect(table.removeValue(forKey: 7) == [1, 2])
        #expect(table.removeValue(forKey: 7) == nil)
        table[8] = nil
        #expect(table.isEmpty)
    }

    /// The table against a dictionary, with keys that come and go.
    @Test(arguments: UInt8(1)...8)
    func `it says what a dictionary says`(seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        var (table, dictionary) = (SlotTable<Int, Int>(), [Int: Int]())
        for step in 0..<2_000 {
            let key = random.below(40)
            switch random.below(5) {
            case 0: #expect(table.removeValue(forKey: key) == dictionary.removeValue(forKey: key))
            case 1: (table[key], dictionary[key]) = (nil, nil)
            case 2: (table[key], dictionary[key]) = (step, step)
            case 3:
                table[key]? += 1
                dictionary[key]? += 1
            default: #expect(table[key] == dictionary[key])
            }
            #expect(table.count == dictionary.count && table.isEmpty == dictionary.isEmpty)
        }
        #expect(Set(table.keys) == Set(dictionary.keys))
        for (key, value) in dictionary { #expect(table[key] == value) }
    }

    @Test func `a slot that is free again is used again`() {
        var table = SlotTable<Int, Int>()
        for round in 0..<100 {
            table[round] = round
            if round > 0 { table[round - 1] = nil }
        }
        #expect(table.count == 1 && table[99] == 99)
    }
}
