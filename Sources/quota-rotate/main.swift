import ArgumentParser
import CommandSupport
import Glibc
import Parsing

let voice = Voice(program: "quota-rotate")
var status = CommandSupport.ExitStatus.done
do {
  let options = try Options.parse()
  status = try run(options, voice)
} catch let error as any Explained {
  voice.error(error)
  status = error.exitStatus
} catch {
  status = voice.answer(error, of: Options.self)
}
exit(status.rawValue)
