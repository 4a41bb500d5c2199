internal import Market
internal import Node
internal import Swarm

// Words of our own for what happened: few, the same from version to version, and never a stranger's. They are labels of metrics.

extension RefusalReason {
    var label: String {
        switch self {
        case .limit(.tooManyFromHost): "host_limit"
        case .limit(.tooManyFromSite): "site_limit"
        case .limit(.tooFast): "host_rate"
        case .limit(.tooManyHalfOpen): "half_open_limit"
        case .limit(.tooManyHalfOpenFromHost): "host_half_open_limit"
        case .limit(.tooMany): "inbound_limit"
        case .resources: "resources"
        case .banned: "banned"
        case .shuttingDown: "shutting_down"
        }
    }
}

extension RecordRejection {
    var label: String {
        switch self {
        case .malformed: "malformed"
        case .wrongNetwork: "wrong_network"
        case .wrongTopic: "wrong_topic"
        case .badSignature: "bad_signature"
        }
    }
}

extension RecordKind {
    var label: String { "\(self)" }
}

extension NodeStatus.Signing {
    var label: String {
        switch self {
        case .catchingUp: "catching_up"
        case .open: "signing"
        case .stopped: "stopped"
        case .clockDoubted: "clock_doubted"
        }
    }
}
