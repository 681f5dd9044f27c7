// The C library's `environ` is a variable that any thread could change. Ours have one thread while
// they read it.
@unsafe @preconcurrency import Glibc

/// The environment as the program found it, whatever it sets for itself later.
@safe
package struct InheritedEnvironment {
  private let variables: [UnsafeMutablePointer<CChar>?]

  /// Notes where the variables are; a variable that is set anew later leaves the old text in place.
  package init() {
    var found = unsafe [UnsafeMutablePointer<CChar>?]()
    let start: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe environ
    if var next = unsafe start {
      while let variable = unsafe next.pointee {
        unsafe found.append(variable)
        unsafe next += 1
      }
    }
    unsafe found.append(nil)
    unsafe variables = found
  }

  /// Becomes another program, with this environment and the open standard streams. The
  /// corresponding C function is `execve`.
  ///
  /// - Parameter command: the absolute path of the program, and its arguments.
  /// - Returns: why that did not work; otherwise it does not return.
  package func become(_ command: [String]) -> SystemError {
    var arguments = unsafe command.map { unsafe strdup($0) }
    unsafe arguments.append(nil)
    _ = unsafe execve(command[0], arguments, variables)
    let error = SystemError("run", command[0])
    unsafe arguments.forEach { unsafe free($0) }
    return error
  }
}
