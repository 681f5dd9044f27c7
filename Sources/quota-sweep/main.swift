import CommandSupport
import Glibc
import Parsing

exit(Voice(program: "quota-sweep").run(run).rawValue)
