import CommandSupport
import Ledger

/// What a file of users has in it.
struct UserFile {
  /// The users, in the order of the file.
  var users: [ImportedUser] = []
  /// What is wrong, in the order of the file.
  var problems: [Problem] = []
  private var lines: [UserName: Int] = [:]

  /// Something wrong with a file, and the line it is on; the first line is 1.
  struct Problem: Equatable {
    let line: Int
    let message: String
  }

  init() {}

  /// Reads a file in either format: JSON begins with a brace.
  init(_ bytes: [UInt8]) {
    let start = bytes.first { $0 != 32 && $0 != 9 && $0 != 10 && $0 != 13 }
    self = start == UInt8(ascii: "{") ? UserFile(json: bytes) : UserFile(csv: bytes)
  }

  /// Takes a user up whose fields were read, unless he is in the file already.
  mutating func add(line: Int, _ read: () throws(Complaint) -> ImportedUser) {
    do throws(Complaint) {
      let user = try read()
      if let earlier = lines[user.name] {
        throw Complaint("\(user.name.forPeople) is on line \(earlier) already")
      }
      lines[user.name] = line
      users.append(user)
    } catch {
      complain(line: line, error.message)
    }
  }

  mutating func complain(line: Int, _ message: String) {
    problems.append(Problem(line: line, message: message))
  }
}
