import Glibc

exit(Command(named: CommandLine.arguments[0]).run().rawValue)
