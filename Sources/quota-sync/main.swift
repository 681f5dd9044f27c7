import Admin
import Glibc
import Support

exit(DiagnosticPrinter(program: "quota-sync").run(SyncCommand.run).rawValue)
