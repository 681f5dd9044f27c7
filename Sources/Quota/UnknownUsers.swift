/// What is done about a user the ledger does not know: the setting `UNKNOWN_USERS`.
package enum UnknownUsers: Int, Sendable {
  /// In, and created with the default quota as soon as something is counted.
  case allow
  /// Out.
  case reject
  /// In, and not metered.
  case ignore
}
