/// What `quota-connect` answers when it cannot tell. The setting `ON_ERROR`.
package enum OnError: Int, Sendable {
  /// The client comes in.
  case allow
  /// The client stays out.
  case reject

  /// The values of the setting, in the order of the cases.
  package static var words: StaticString { "allow reject" }
}
