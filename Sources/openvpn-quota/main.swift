import Glibc
import System

Memory.returnLargeBlocks()
exit(Command(named: CommandLine.arguments[0]).run().rawValue)
