extension RealClient {
  package var isRefused: Bool {
    if case .refused = try? state { true } else { false }
  }

  package func isHalted(with text: String) throws -> Bool { try state == .halted(text) }

  package func comeBack() throws {
    if isConnected { try reconnect() } else { try connect() }
  }
}
