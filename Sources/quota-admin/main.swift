import Glibc

exit(Run.program(RawArguments.all).rawValue)
