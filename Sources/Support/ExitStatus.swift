/// How a program of the suite ends, in the numbers of `sysexits.h`.
///
/// The hooks are the exception: `quota-connect` ends with 0 (in) or 1 (out), `quota-disconnect`
/// with 0 whatever happened.
package enum ExitStatus: Int32, Sendable {
  /// Everything was done.
  case done = 0
  /// `quota-admin check` found something to see to.
  case warningsFound = 1
  /// `quota-admin check` found something that does not work.
  case errorsFound = 2
  /// The command line was wrong.
  case usage = 64
  /// Data given to the program, or found in its database, is not what it should be.
  case badData = 65
  /// At least one configured server failed; the others were done.
  case unavailable = 69
  /// The program contradicted itself: a bug.
  case bug = 70
  /// A file could not be created.
  case cannotCreate = 73
  /// A file could not be read or written.
  case inputOutput = 74
  /// Another program holds the sweep lock, and nothing else.
  case locked = 75
  /// The system did not permit it.
  case permission = 77
  /// A setting is wrong, or what it names is missing.
  case configuration = 78
}
