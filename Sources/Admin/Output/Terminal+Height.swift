import Glibc

extension Terminal {
  /// How many lines it has.
  static var height: Int {
    var size = winsize()
    let known = unsafe ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_row > 0
    return known ? Int(size.ws_row) : 24
  }
}
