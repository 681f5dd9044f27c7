import Gate
import OpenVPN
import Quota
import System

/// All that a hook is run with, handed in: a test runs the real code with a world of its own.
package struct HookRun {
  /// The program's name and its arguments.
  package var arguments: [[UInt8]]
  /// Gives the value of an environment variable.
  package var variable: (StaticString) -> [UInt8]?
  /// The present moment.
  package var now: () -> JournalMoment
  /// The hook's own process id.
  package var process: Int32
  /// Runs the program that an argument names, with those behind it, and gives its exit status; 128
  /// and more for a signal.
  package var run: (Int) throws(SystemError) -> Int32
  /// Becomes the program that an argument names; gives why that did not work.
  package var become: (Int) -> SystemError
  /// Writes a line to standard output, and one to standard error, which OpenVPN logs.
  package var say: (String) -> Void
  package var complain: (String) -> Void

  package init(
    arguments: [[UInt8]], variable: @escaping (StaticString) -> [UInt8]?,
    now: @escaping () -> JournalMoment, process: Int32,
    run: @escaping (Int) throws(SystemError) -> Int32, become: @escaping (Int) -> SystemError,
    say: @escaping (String) -> Void, complain: @escaping (String) -> Void
  ) {
    self.arguments = arguments
    self.variable = variable
    self.now = now
    self.process = process
    self.run = run
    self.become = become
    self.say = say
    self.complain = complain
  }

  /// The name that the program was called by.
  var program: String { String(decoding: fileName(of: arguments.first ?? []), as: UTF8.self) }

  /// Whether the program was called by a name.
  func isCalled(_ name: StaticString) -> Bool {
    let last = fileName(of: arguments.first ?? [])
    return Bytes.equal(last.span, name)
  }

  /// Passes on what is wrong, while the work goes on.
  func warn(_ message: String) { complain("\(program): warning: \(message)") }

  /// The answer to a question that cannot be answered: the setting `ON_ERROR`.
  func isAdmittedUnseen(_ message: String, _ settings: HookSettings) -> Bool {
    let comesIn = settings.onError == .allow
    warn("\(message); ON_ERROR \(comesIn ? "lets the client in" : "keeps the client out")")
    return comesIn
  }

  /// Runs the server's own script at a connection.
  ///
  /// - Returns: whether it let the client in; false also where it cannot be run, as OpenVPN has it.
  func scriptAgrees(_ script: Int) -> Bool {
    do throws(SystemError) { return try run(script) == 0 } catch {
      warn("\(error.description); the client stays out")
      return false
    }
  }
}
