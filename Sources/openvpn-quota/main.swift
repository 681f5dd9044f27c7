import Glibc
import System

returnLargeBlocks()
exit(Command(named: CommandLine.arguments[0]).run().rawValue)
