import Quota

/// What a client that is disconnected is told.
struct KillMessage {
  /// The setting `KILL_MESSAGE`, which speaks of the quota.
  let setting: [UInt8]

  /// The message for a reason: for others than the quota what the setting has the client do, with
  /// that reason as the text.
  func bytes(for reason: Reason) -> [UInt8] {
    guard reason != .quota, let comma = setting.firstIndex(of: UInt8(ascii: ",")) else {
      return setting
    }
    let text = reason.text.prefix(1).uppercased() + reason.text.dropFirst()
    return Array(setting[...comma]) + text.utf8
  }
}
