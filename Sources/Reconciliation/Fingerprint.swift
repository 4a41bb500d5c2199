internal import Cryptography

/// What stands for a range of ids: 16 bytes of SHA-256 over their sum modulo 2²⁵⁶ and their number.
///
/// A sum can be taken apart again, so that every block of the index keeps its own. Sums can be met by who chooses ids freely
/// (the protocol's authors say so): here an id is a hash of signed bytes, the number is hashed in, and what is asked for
/// must be served.
public struct Fingerprint: Hashable, Sendable {
    static let byteCount = 16

    public let bytes: [UInt8]
}

/// The sum of ids as little-endian numbers modulo 2²⁵⁶, and how many they are.
struct FingerprintSum: Hashable, Sendable {
    private var limbs = SIMD4<UInt64>.zero
    private(set) var count = 0

    mutating func add(_ id: ItemID) {
        var carry: UInt64 = 0
        for index in 0..<4 {
            let (first, carried) = limbs[index].addingReportingOverflow(id.limb(index))
            let (second, again) = first.addingReportingOverflow(carry)
            limbs[index] = second
            carry = carried || again ? 1 : 0
        }
        count += 1
    }

    mutating func subtract(_ id: ItemID) {
        var borrow: UInt64 = 0
        for index in 0..<4 {
            let (first, borrowed) = limbs[index].subtractingReportingOverflow(id.limb(index))
            let (second, again) = first.subtractingReportingOverflow(borrow)
            limbs[index] = second
            borrow = borrowed || again ? 1 : 0
        }
        count -= 1
    }

    mutating func add(_ other: FingerprintSum) {
        var carry: UInt64 = 0
        for index in 0..<4 {
            let (first, carried) = limbs[index].addingReportingOverflow(other.limbs[index])
            let (second, again) = first.addingReportingOverflow(carry)
            limbs[index] = second
            carry = carried || again ? 1 : 0
        }
        count += other.count
    }

    var fingerprint: Fingerprint {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(42)
        for index in 0..<4 {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: limbs[index] >> shift))
            }
        }
        DigitVarint.append(UInt64(count), to: &bytes)
        return Fingerprint(bytes: Array(SHA256.hash(bytes).prefix(Fingerprint.byteCount)))
    }
}
