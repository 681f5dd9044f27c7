// The C library's `environ` is a variable that any thread could change. Ours have one thread while
// they read it.
@unsafe @preconcurrency import Glibc

extension Environment {
  /// Goes once over all variables, each as `NAME=VALUE` without the zero byte at its end, in the
  /// order the system has them; a name may come more than once. The corresponding C variable is
  /// `environ`.
  ///
  /// Only for programs with one thread, for `setenv` in another one would pull it from under this.
  package static func forEach(_ body: (Span<UInt8>) -> Void) {
    let variables: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = unsafe environ
    guard var next = unsafe variables else { return }
    while let variable = unsafe next.pointee {
      let bytes = unsafe UnsafeRawBufferPointer(start: variable, count: strlen(variable))
      unsafe body(bytes.bindMemory(to: UInt8.self).span)
      unsafe next += 1
    }
  }
}
