/// Where the time goes of goals that were missed when this was last looked at.
enum MissedGoals {
  /// By the goal and its unit, as they stand in the table.
  static let reasons: [String: String] = [:]
}
