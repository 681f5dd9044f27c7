import ArgumentParser
import CommandSupport
import Glibc
import Sweep

let voice = Voice(program: "quota-sweep")
var status = ExitStatus.done
do {
  let options = try Options.parse()
  status = try run(options, voice)
} catch let error as any Explained {
  voice.error(error)
  status = error.exitStatus
} catch {
  status = report(error, of: Options.self, voice)
}
exit(status.rawValue)
