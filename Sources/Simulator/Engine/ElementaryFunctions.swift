/// Exponentials, logarithms and what the distributions need of them, the same to the last bit on every machine.
///
/// A platform's `exp` and `log` differ in their last digit between systems and versions, and one digit moves an event. These use addition,
/// multiplication, division and the square root alone, which IEEE 754 rounds in one way, in an order that the compiler
/// may not change. Relative error below 10⁻¹³ where not said otherwise.
enum ElementaryFunctions {
    /// ln 2 in two parts: the first has 32 significant bits, so that a small multiple of it is exact.
    private static let naturalLogOfTwoHigh = 0x1.62e42fee00000p-1
    private static let naturalLogOfTwoLow = 0x1.a39ef35793c76p-33
    static let naturalLogOfTwo = 0x1.62e42fefa39efp-1
    /// ln √(2π), for Stirling's series.
    private static let logOfRootOfTwoPi = 0.918_938_533_204_672_8

    /// e to the power of `x`; zero below the normal numbers, infinite above them.
    static func exp(_ x: Double) -> Double {
        guard x > -708 else { return 0 }
        guard x < 709 else { return .infinity }
        let scaled = x / naturalLogOfTwo
        let power = (scaled + (scaled < 0 ? -0.5 : 0.5)).rounded(.towardZero)
        let rest = (x - power * naturalLogOfTwoHigh) - power * naturalLogOfTwoLow
        // Taylor's series on |rest| ≤ 0.35; the fourteenth term is below 10⁻¹⁷.
        var sum = 1.0
        for term in stride(from: 13.0, to: 0, by: -1) { sum = 1 + sum * rest / term }
        return sum * Double(bitPattern: UInt64(1023 + Int(power)) << 52)
    }

    /// The natural logarithm of a positive, finite number.
    static func log(_ x: Double) -> Double {
        precondition(x > 0 && x.isFinite, "\(x) has no logarithm")
        var (significand, power) = (x.significand, x.exponent)
        // Centres the significand on 1, between √½ and √2.
        if significand > 1.414_213_562_373_095_1 {
            significand /= 2
            power += 1
        }
        // ln s = 2 artanh((s − 1) / (s + 1)), whose argument is below 0.172.
        let ratio = (significand - 1) / (significand + 1)
        let square = ratio * ratio
        var sum = 0.0
        for odd in stride(from: 23.0, through: 1, by: -2) { sum = sum * square + 1 / odd }
        return Double(power) * naturalLogOfTwoLow + 2 * ratio * sum + Double(power) * naturalLogOfTwoHigh
    }

    /// A positive number to any power, or zero to a positive one.
    static func power(_ base: Double, _ exponent: Double) -> Double {
        guard base > 0 || exponent <= 0 else { return 0 }
        return exp(exponent * log(base))
    }

    /// Γ of a positive number, by Stirling's series beyond ten; relative error below 10⁻¹².
    static func gamma(_ x: Double) -> Double {
        precondition(x > 0, "Γ is asked for \(x)")
        var (argument, divisor) = (x, 1.0)
        while argument < 10 {
            divisor *= argument
            argument += 1
        }
        let inverse = 1 / argument
        let square = inverse * inverse
        let correction = inverse * (1 / 12.0 - square * (1 / 360.0 - square * (1 / 1260.0 - square / 1680)))
        return exp((argument - 0.5) * log(argument) - argument + logOfRootOfTwoPi + correction) / divisor
    }

    /// The chance that a standard normal number is at most `x`; absolute error below 10⁻¹⁴.
    ///
    /// The Taylor series of Marsaglia, "Evaluating the normal distribution", 2004.
    static func normalDistribution(_ x: Double) -> Double {
        guard x > -8 else { return 0 }
        guard x < 8 else { return 1 }
        var (sum, term, odd, previous) = (x, x, 1.0, 0.0)
        while sum != previous {
            previous = sum
            odd += 2
            term *= x * x / odd
            sum += term
        }
        return 0.5 + sum * exp(-0.5 * x * x - logOfRootOfTwoPi)
    }

    /// The number that a standard normal one exceeds with chance 1 − `chance`; absolute error below 10⁻⁹ for chances from 10⁻⁵.
    static func normalQuantile(_ chance: Double) -> Double {
        precondition(chance > 0 && chance < 1, "no normal number has the chance \(chance)")
        var (low, high) = (-8.0, 8.0)
        // Sixteen halved 54 times is below the last digit.
        for _ in 0..<54 {
            let middle = (low + high) / 2
            if normalDistribution(middle) < chance { low = middle } else { high = middle }
        }
        return (low + high) / 2
    }
}

extension SimulationRandom {
    /// Draws a standard normal number.
    ///
    /// Marsaglia's polar method, which needs no sine; the second number of each pair is left.
    mutating func normal() -> Double {
        while true {
            let (x, y) = (2 * unit() - 1, 2 * unit() - 1)
            let square = x * x + y * y
            guard square > 0, square < 1 else { continue }
            return x * (-2 * ElementaryFunctions.log(square) / square).squareRoot()
        }
    }

    /// Draws an exponential number of mean 1.
    mutating func exponential() -> Double {
        -ElementaryFunctions.log(positiveUnit())
    }

    /// Draws from a gamma distribution of scale 1 and a shape of at least 1.
    ///
    /// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000, without the squeeze.
    mutating func gamma(shape: Double) -> Double {
        precondition(shape >= 1, "the method needs a shape of at least 1")
        let d = shape - 1 / 3.0
        let c = 1 / (9 * d).squareRoot()
        while true {
            let x = normal()
            let root = 1 + c * x
            guard root > 0 else { continue }
            let v = root * root * root
            let bound = 0.5 * x * x + d - d * v + d * ElementaryFunctions.log(v)
            if ElementaryFunctions.log(positiveUnit()) < bound { return d * v }
        }
    }
}
