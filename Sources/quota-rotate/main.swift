import CommandSupport
import Glibc
import Parsing

exit(Voice(program: "quota-rotate").run(run).rawValue)
