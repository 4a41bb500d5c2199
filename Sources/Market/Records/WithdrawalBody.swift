/// Takes a machine, offer, request or bid back; it stands under the subject key of what it withdraws.
public struct WithdrawalBody: Hashable, Sendable {
    public enum Bounds {
        public static let subjectByteCount = 16
        public static let reasonMax = 9_999
    }

    /// What can be withdrawn; the values are the kinds' numbers.
    public enum Subject: Hashable, Sendable {
        case machine(MachineID)
        case offer(OfferID)
        case request(RequestID)
        case bid(BidID)
    }

    public var subject: Subject
    public var marketClass: MarketClass
    /// A close code; 0 says nothing.
    public var reason: Int

    public init(subject: Subject, marketClass: MarketClass, reason: Int = 0) {
        self.subject = subject
        self.marketClass = marketClass
        self.reason = reason
    }
}
