import Glibc
import System

// An OpenVPN management interface with OpenVPN's habits and no VPN behind it. Its clients live by
// the commands on standard input, one a line; each is answered by one line on standard output,
// `ok …` or `error …`. SIGTERM ends it as it ends OpenVPN, with a disconnect hook for every client;
// SIGUSR1 and SIGHUP drop the clients and start over; the end of standard input ends it at once.

do {
  try Loop(Options(Array(CommandLine.arguments.dropFirst()))).run()
  exit(0)
} catch {
  let text = Text("openvpn-simulator: error: \(error)\n".utf8)
  _ = unsafe text.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
  exit(error is OptionError ? EX_USAGE : EX_OSERR)
}
