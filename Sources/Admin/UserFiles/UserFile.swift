import Support
import Ledger
import Quota

/// What a file of users has in it.
struct UserFile {
  /// The users, in the order of the file.
  private(set) var users: [UserEdit] = []
  /// The plans, in the order of the file.
  private(set) var plans: [Plan] = []
  /// What is wrong, in the order of the file.
  private(set) var problems: [Problem] = []
  /// The lines with names that are no UTF-8, which are taken byte by byte.
  var foreignLines: [Int] = []
  private var userLines: [Int] = []
  private var planLines: [Int] = []
  private var lines: [UserName: Int] = [:]
  /// The zone of moments in the file.
  let moment: Moment

  /// Something wrong with a file, and the line it is on; the first line is 1.
  struct Problem: Equatable {
    let line: Int
    let message: String
  }

  /// The time that it is, and the zone of the settings.
  struct Moment {
    let now: Int64
    let zone: Zone
  }

  /// Reads a file in either format, as UTF-8 or UTF-16: JSON begins with a bracket.
  init(_ bytes: [UInt8], at moment: Moment) {
    self.moment = moment
    guard let text = UserFile.utf8(bytes) else {
      addProblem(line: 1, "this is UTF-16 and damaged; save it as UTF-8")
      return
    }
    switch text.first(where: { $0 != 32 && $0 != 9 && $0 != 10 && $0 != 13 }) {
    case nil: addProblem(line: 1, "the file is empty")
    case UInt8(ascii: "{"), UInt8(ascii: "["): readJSON(text)
    default: readCSV(text)
    }
  }

  /// Takes a user up, unless the file has them already.
  mutating func addUser(line: Int, _ fields: Fields) {
    do throws(CommandError) {
      let user = try UserEdit(fields, at: moment)
      if let earlier = lines[user.name] {
        throw CommandError("\(user.name.forPeople) is on line \(earlier) already")
      }
      lines[user.name] = line
      users.append(user)
      userLines.append(line)
    } catch {
      addProblem(line: line, error.message)
    }
  }

  /// Takes a plan up.
  mutating func addPlan(line: Int, _ fields: Fields) {
    do throws(CommandError) {
      plans.append(try Plan(fields, at: moment))
      planLines.append(line)
    } catch {
      addProblem(line: line, error.message)
    }
  }

  mutating func addProblem(line: Int, _ message: String) {
    problems.append(Problem(line: line, message: message))
  }

  /// Takes up what the ledger has against the users and plans.
  mutating func addProblem(of error: ImportError) {
    switch error {
    case .users(let refused):
      for (place, error) in refused {
        addProblem(line: userLines[place], CommandError(error).message)
      }
    case .plan(let place, let error):
      addProblem(line: planLines[place], CommandError(error).message)
    }
  }
}
