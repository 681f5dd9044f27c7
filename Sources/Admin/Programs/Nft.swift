import Fence
import Gate
import Glibc
import Support
import System

/// The tool nft(8), which speaks to the kernel for us.
enum Nft {
  /// Has a batch done, whole or not at all.
  static func run(_ batch: [UInt8]) throws(NftError) { _ = try call(["-f", "-"], input: batch) }

  /// All quota objects of the kernel, as JSON.
  static func quotas() throws(NftError) -> [UInt8] { try call(["-j", "list", "quotas"]) }

  /// Whether our table has lost its rules: then nothing keeps a chain from being deleted, which is only
  /// tried. To list the chain would cost as much as to list all.
  static var hasLostRules: Bool {
    let trial = "delete chain \(FenceRules.table) refuse\n"
    return (try? call(["--check", "-f", "-"], input: Array(trial.utf8))) != nil
  }

  private static func call(
    _ arguments: [String], input: [UInt8] = []
  ) throws(NftError) -> [UInt8] {
    do throws(SystemError) {
      let output = try Descriptor.memory()
      let errors = try Descriptor.memory()
      let status = try System.run(
        ["nft"] + arguments, input: try Descriptor.memory(input), output: output, errors: errors)
      if status == 0 { return try whole(output) }
      let said = try whole(errors)
      throw SystemError(
        "nft", String(decoding: said.prefix { $0 != 10 }, as: UTF8.self), code: ECANCELED)
    } catch {
      throw NftError(error)
    }
  }

  private static func whole(_ file: borrowing Descriptor) throws(SystemError) -> [UInt8] {
    try file.rewind()
    return try file.readToEnd(of: "what nft wrote", limit: 256 << 20)
  }
}

/// Why nft did not do what it was told; the kernel's table is as it was.
struct NftError: UserFacingError {
  let message: String
  let hint: String?
  let exitStatus: ExitStatus
  /// Whether there is no nft.
  let isMissing: Bool

  /// - Parameter error: why it could not be run; `ECANCELED` with what it wrote as the subject.
  init(_ error: SystemError) {
    isMissing = error.code == ENOENT
    guard error.code == ECANCELED else {
      message = isMissing ? "nft is not installed" : error.description
      hint = isMissing ? "apt-get install nftables, or set FENCE=no" : error.hint
      exitStatus = isMissing ? .configuration : error.exitStatus
      return
    }
    message = "nft: \(error.subject.isEmpty ? "it ended without a word" : error.subject)"
    if error.subject.contains("Operation not permitted") {
      hint = "it needs CAP_NET_ADMIN, as quota-fence.service gives it; or run it as root"
      exitStatus = .permission
    } else if error.subject.contains("Protocol not supported")
      || error.subject.contains("Operation not supported")
      || error.subject.contains("Protocol family not supported")
    {
      hint = "this kernel has no nf_tables, or lacks a part of it; set FENCE=no"
      exitStatus = .configuration
    } else {
      hint = nil
      exitStatus = .inputOutput
    }
  }
}

/// Another quota-fence is at it.
struct FenceUnderWay: UserFacingError {
  let message = "another quota-fence is under way"
  let hint: String? = "it takes a moment; try again, or leave it to the next sweep"
  let exitStatus = ExitStatus.locked
}

/// The access table cannot be read: what the kernel was told before stays.
struct AccessUnreadable: UserFacingError {
  let message: String
  let hint: String?
  let exitStatus: ExitStatus

  init(_ error: AccessError) {
    message = "\(error); what was held before stays held"
    switch error {
    case .system(let error):
      hint = error.code == ENOENT ? "quota-sweep --publish makes it" : error.hint
      exitStatus = error.exitStatus
    case .damaged:
      hint = "quota-sweep --publish makes it anew"
      exitStatus = .badData
    }
  }
}
