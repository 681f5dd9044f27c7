import Fence
import Gate
import Glibc
import Support
import System

/// The tool nft(8), which speaks to the kernel for us; what the kernel has is asked without it.
enum Nft {
  /// Has a batch done, whole or not at all.
  static func run(_ batch: [UInt8]) throws(NftError) {
    do throws(SystemError) { try call(["-f", "-"], input: batch) } catch { throw NftError(error) }
  }

  /// What the kernel has of our table; nothing, if there is none.
  static func ask(_ questions: [KernelTable.Question]) throws(NftError) -> KernelTable {
    do throws(SystemError) {
      let socket = try Descriptor.netfilterSocket()
      // Other programs may change tables of theirs meanwhile.
      for _ in 0..<20 {
        var table = KernelTable()
        for question in questions { try ask(question, socket, &table) }
        if !table.isInterrupted { return table }
      }
      throw SystemError("read", "the kernel's tables, which change all the time", code: EAGAIN)
    } catch { throw NftError(error) }
  }

  private static func ask(
    _ question: KernelTable.Question, _ socket: borrowing Descriptor, _ table: inout KernelTable
  ) throws(SystemError) {
    _ = try socket.send(question.request[...])
    var buffer = [UInt8](repeating: 0, count: 256 << 10)
    var isComplete = false
    while !isComplete {
      let count = try socket.receive(into: &buffer) ?? 0
      isComplete = try table.take(buffer.span.extracting(..<count))
    }
  }

  private static func call(_ arguments: [String], input: [UInt8]) throws(SystemError) {
    let errors = try Descriptor.memory()
    let status = try System.run(
      ["nft"] + arguments, input: try Descriptor.memory(input), output: Descriptor.memory(),
      errors: errors)
    if status == 0 { return }
    try errors.rewind()
    let said = try errors.readToEnd(of: "what nft wrote", limit: 256 << 20)
    throw SystemError(
      "nft", String(decoding: said.prefix { $0 != 10 }, as: UTF8.self), code: ECANCELED)
  }
}

/// Why nft, or the kernel itself, did not do what it was told; the kernel's table is as it was.
struct NftError: UserFacingError {
  let message: String
  let hint: String?
  let exitStatus: ExitStatus
  /// Whether there is no nft.
  let isMissing: Bool

  /// - Parameter error: why it could not be run; `ECANCELED` with what it wrote as the subject.
  init(_ error: SystemError) {
    isMissing = error.code == ENOENT
    let said = error.subject.isEmpty ? "it ended without a word" : error.subject
    let text = error.code == ECANCELED ? "nft: \(said)" : error.description
    message = isMissing ? "nft is not installed" : text
    if isMissing {
      hint = "apt-get install nftables, or set FENCE=no"
      exitStatus = .configuration
    } else if text.contains("Operation not permitted") {
      hint = "it needs CAP_NET_ADMIN, as quota-fence.service gives it; or run it as root"
      exitStatus = .permission
    } else if text.contains("Protocol not supported")
      || text.contains("Operation not supported")
      || text.contains("Protocol family not supported")
    {
      hint = "this kernel has no nf_tables, or lacks a part of it; set FENCE=no"
      exitStatus = .configuration
    } else if error.code == ECANCELED {
      hint = nil
      exitStatus = .inputOutput
    } else {
      hint = error.hint
      exitStatus = error.exitStatus
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
