import ArgumentParser
import Fence
import Gate
import Glibc
import Ledger
import Quota
import Support
import System

/// The command line of `quota-fence`.
package struct FenceOptions: ParsableCommand {
  package static let configuration = CommandConfiguration(
    commandName: "quota-fence",
    abstract: "Lets the kernel cut users off at the byte at which their quota is used up.",
    discussion: """
      Brings the nftables table inet openvpn_quota up to date: a quota for each user who has one and \
      is online. Runs after each sweep, and when a client connects; does nothing unless FENCE is yes.

      EXAMPLES
        quota-fence --verbose  bring the table up to date, and say what is in it
        quota-fence --dry-run  what would be sent to nft now
        quota-fence --remove   take the table away
      """,
    version: version)

  package init() {}

  @Flag(help: "Write the batch for nft to standard output and change nothing.")
  var dryRun = false

  @Flag(help: "Take the table away: nobody is held any more.")
  var remove = false

  @Option(help: ArgumentHelp("Read this file instead of the default.", valueName: "path"))
  var config: String?

  @Flag(help: "Write what is held to standard output.")
  var verbose = false
}

/// The command `quota-fence`.
package enum FenceCommand {
  /// Brings the kernel's table up to date.
  ///
  /// - Returns: how the program ends.
  /// - Throws: an `UserFacingError` error for what kept it from that; the table is as it was then.
  package static func run(_ options: FenceOptions, _ diagnostics: DiagnosticPrinter) throws
    -> Support.ExitStatus
  {
    let settings = try diagnostics.settings(config: options.config)
    let state = try StateDirectory(of: settings.database, keepsNetworkAdmin: true)
    let fencing = Fencing(settings, diagnostics)
    if options.dryRun {
      let batch =
        options.remove ? FenceUpdate.removal : try fencing.update(in: state.directory).batch
      try Descriptor.standardOutput.write(batch.span, to: "standard output")
      return .done
    }
    guard
      let lock = try StateLock.attempt(
        .fence, beside: settings.database, patience: .seconds(10))
    else { throw FenceUnderWay() }
    if options.remove || !settings.fence {
      try fencing.remove(in: state.directory, isAsked: options.remove)
      if options.verbose {
        print(options.remove ? "nobody is held" : "FENCE is no: nobody is held")
      }
    } else {
      let result = try fencing.settle(in: state.directory)
      if options.verbose { print(Self.text(result)) }
    }
    _ = consume lock
    return .done
  }

  private static func text(_ fence: Fence) -> String {
    let refused = fence.users.values.count { $0 == .refused }
    let unknown = fence.unknownPlaces
    return "\(fence.users.count) users held at \(fence.places.count) addresses, \(refused) refused"
      + (unknown > 0 ? "; \(unknown) sessions or networks cannot be, see man quota-fence" : "")
  }
}

/// One run: what is wanted by the state directory, what was sent, and what nft is told.
private struct Fencing {
  private let settings: Settings
  private let diagnostics: DiagnosticPrinter
  /// How long a run goes on while clients come and go.
  private static let patience = Duration.seconds(30)

  init(_ settings: Settings, _ diagnostics: DiagnosticPrinter) {
    self.settings = settings
    self.diagnostics = diagnostics
  }

  /// Takes the table away. Where nobody asked, only if one was sent: without `FENCE=yes` nothing of it
  /// has to be there, nft least.
  func remove(in directory: borrowing Directory, isAsked: Bool) throws {
    guard isAsked || SentFence.isKnown(in: directory) else { return }
    do throws(NftError) { try Nft.run(FenceUpdate.removal) } catch {
      // A host without nft has no table, unless nft was removed since.
      let hasTable = (try? Nft.ask([.rules]))?.rules.isEmpty == false
      if !error.isMissing || hasTable { throw error }
    }
    try SentFence.forget(in: directory)
  }

  /// Brings the table up to date, until the files stand still that it is made of: the path unit does not
  /// see what is written while its service runs.
  ///
  /// - Returns: who is held.
  func settle(in directory: borrowing Directory) throws -> Fence {
    let end = Clock.monotonic + Self.patience
    while true {
      let before = Self.watched(in: directory)
      let update = try update(in: directory)
      try send(update, in: directory)
      if Self.watched(in: directory) == before || Clock.monotonic > end { return update.wanted }
      usleep(100_000)
    }
  }

  /// The files that quota-fence.path watches, as they are now.
  private static func watched(in directory: borrowing Directory) -> [FileStatus?] {
    var files: [FileStatus?] = []
    for name in ["journal", "heard", "access"] as [StaticString] {
      files.append((try? directory.status(of: name)) ?? nil)
    }
    return files
  }

  /// What there is to tell the kernel.
  func update(in directory: borrowing Directory) throws -> FenceUpdate {
    let (now, heard, sent) = (JournalMoment.now, LastHeard(in: directory), SentFence(in: directory))
    let run = FenceRun(
      generation: .random(in: 0 ... .max), sweep: heard.sweep ?? 0, boot: now.boot ?? 0)
    let wanted = try wanted(in: directory, now, heard, since: sent?.sweep ?? 0)
    let rules = FenceRules(
      count: wanted.count, open: settings.fenceOpen, mtu: Self.mtu(of: wanted.fence.devices),
      // All is told anew where that changes, so it changes with sweeps alone.
      hasNetworks: !heard.networks.isEmpty)
    guard let sent, sent.isKnown(under: rules, in: run) else {
      return FenceUpdate(from: nil, to: wanted.fence, by: rules, in: run)
    }
    let needsCounts = FenceUpdate.needsCounts(from: sent, to: wanted.fence, in: run)
    let kernel = try Nft.ask([.generation, .rules] + (needsCounts ? [.counts] : []))
    guard kernel.isAsSent(sent, by: rules) else {
      warnOfForeignChange()
      return FenceUpdate(from: nil, to: wanted.fence, by: rules, in: run)
    }
    return FenceUpdate(
      from: sent, to: wanted.fence, by: rules, in: run,
      counts: needsCounts ? kernel.counts : nil)
  }

  /// Tells the kernel, and then writes down what was told: where this is cut short, the next batch
  /// fails on its generation, and all is told anew.
  private func send(_ update: FenceUpdate, in directory: borrowing Directory) throws {
    var update = update
    do throws(NftError) {
      if !update.isEmpty { try Nft.run(update.batch) }
    } catch {
      if update.isAnew { throw error }
      update = update.anew
      try Nft.run(update.batch)
      warnOfForeignChange()
    }
    if update.isNews { try update.result.write(in: directory) }
  }

  private func warnOfForeignChange() {
    diagnostics.warning("the table in the kernel was not as it was left, and is set up anew")
  }

  /// - Parameter sweep: the last one whose counts the kernel was corrected by.
  private func wanted(
    in directory: borrowing Directory, _ now: JournalMoment, _ heard: LastHeard, since sweep: Int64
  ) throws -> (fence: Fence, count: Count) {
    do throws(AccessError) {
      var table = try AccessTable(in: directory)
      let tail = tail(after: table.header, in: directory)
      let online = try online(by: &table, through: tail, now)
      let key = table.header.key
      var fence = try Fence(
        online, by: &table, at: now.seconds,
        heard: Set(heard.servers(since: sweep).map { key.hash(Array($0.utf8)) }),
        networks: Dictionary(
          heard.networks.map { (key.hash(Array($0.key.utf8)), $0.value) }, uniquingKeysWith: { $1 })
      )
      fence.leaveOut(fence.devices.filter(Self.isForeign))
      return (fence, table.header.count)
    } catch { throw AccessUnreadable(error) }
  }

  private func online(
    by table: inout AccessTable, through tail: borrowing JournalTail?, _ now: JournalMoment
  ) throws(AccessError) -> OnlineSessions {
    do throws(SessionReplayError) {
      return try OnlineSessions(of: &table, through: tail, now: now)
    } catch {
      switch error {
      case .table(let error): throw error
      case .tail(let error):
        diagnostics.warning("\(error); sessions of the last sweep are held")
        return try online(by: &table, through: nil, now)
      }
    }
  }

  private func tail(
    after header: AccessHeader, in directory: borrowing Directory
  ) -> JournalTail? {
    do throws(JournalTailError) {
      return try JournalTail.opened(after: header, in: directory)
    } catch {
      diagnostics.warning("\(error); sessions of the last sweep are held")
      return nil
    }
  }

  /// Whether a device is none of OpenVPN's. The journal may be the lie of anybody in the hooks' group,
  /// which must not stop packets of the host's other networks.
  private static func isForeign(_ device: String) -> Bool {
    let folder = "/sys/class/net/\(device)"
    guard let type = try? contents(ofRegularFile: folder + "/type", limit: 64) else { return false }
    // ARPHRD_NONE, which tun devices and those of the kernel's data channel are; a tap has flags.
    return type.span.number(at: 0)?.value != 65534
      && (try? FileStatus(of: folder + "/tun_flags")) == nil
  }

  /// The largest MTU of some devices; 0 where none can be found.
  private static func mtu(of devices: Set<String>) -> Int64 {
    devices.reduce(0) { largest, device in
      let path = "/sys/class/net/\(device)/mtu"
      guard let text = try? contents(ofRegularFile: path, limit: 64) else { return largest }
      return max(largest, text.span.number(at: 0)?.value ?? 0)
    }
  }
}
