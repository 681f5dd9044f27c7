import ArgumentParser
import Ledger
import Quota
import Support
import System

struct Pages: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Write the page of each user whose numbers have changed to USER_PAGES.",
    discussion: """
      A timer runs it after each sweep. Pages of users who were removed go.

      Example: quota-admin pages
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Write all pages.")
  var all = false

  /// After so many pages it is noted which are done, so that a run that is ended early has not worked
  /// for nothing.
  private static let portion = 5000

  func run() throws {
    let settings = try options.settings()
    if settings.userPages.isEmpty { return }
    let administration = try Administration(settings)
    let (ledger, words) = (administration.ledger, administration.words)
    let folder = try PageFolder(settings.userPages)
    let memory = PageMemory(of: folder, beside: settings.database)
    // The last file that is written to a new directory.
    let known = all || !folder.has("index.html") ? [:] : memory.pages
    try ledger.users.givePageTokens()
    var (former, pages) = (memory.pages, [String: UInt64]())
    // Not the users, who may be many.
    var changed: [Int64] = []
    let seed = Array(
      "\(System.version) \(settings.timeZone) \(settings.units) \(words.rules.count) \(words.rules.isFenced)"
        .utf8)
    try ledger.users.forEach(at: Clock.now) { user in
      guard let token = user.pageToken else { return }
      let fingerprint = user.pageFingerprint(seed, by: words.rules)
      former[token] = nil
      if known[token] == fingerprint {
        pages[token] = fingerprint
      } else {
        changed.append(user.number)
      }
    }
    if former.isEmpty, changed.isEmpty, folder.has("index.html") { return }
    folder.removeDrafts()
    // The names of users who are gone, and names that were renewed.
    for token in former.keys { try folder.remove(PageFolder.fileName(of: token)) }
    for start in stride(from: 0, to: max(1, changed.count), by: Pages.portion) {
      let portion = changed[start..<min(start + Pages.portion, changed.count)]
      try ledger.users.forEach(of: portion, at: Clock.now) { user in
        guard let token = user.pageToken else { return }
        try folder.write(UserPage(user, ledger, words).bytes, as: PageFolder.fileName(of: token))
        pages[token] = user.pageFingerprint(seed, by: words.rules)
      }
      // What lists a directory shows this file in place of a list.
      try folder.write([], as: "index.html")
      try folder.synchronize()
      try memory.save(pages)
    }
  }
}

struct Link: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Print the address of a user's page, whose name nobody can guess.",
    discussion: """
      It is below USER_PAGES_URL; without that setting the file is printed. All who know the name can see \
      the page, so give it to that user alone.
      Example: quota-admin link alice
      """)

  @OptionGroup var options: CommonOptions
  @Flag(help: "Give the page another name; the former one leads nowhere from then on.")
  var renew = false
  @OptionGroup var user: NameArgument

  func run() throws {
    let (settings, name) = (try options.settings(), try user.userName())
    guard !settings.userPages.isEmpty else {
      throw CommandError(
        "there are no pages: USER_PAGES in quota.conf is empty",
        hint: PageFolder.remedy(for: "/var/lib/openvpn-quota-pages")
          + ", and USER_PAGES=/var/lib/openvpn-quota-pages", exitStatus: .configuration)
    }
    let administration = try Administration(settings)
    let (ledger, words) = (administration.ledger, administration.words)
    let former = try administration.user(name).pageToken
    let folder = try PageFolder(settings.userPages)
    guard let token = try ledger.users.pageToken(of: name, renews: renew) else {
      throw administration.unknown(name)
    }
    if let former, former != token { try folder.remove(PageFolder.fileName(of: former)) }
    if !folder.has(PageFolder.fileName(of: token)) {
      let page = try UserPage(try administration.user(name), ledger, words)
      try folder.write(page.bytes, as: PageFolder.fileName(of: token))
      // So that it goes with the user, also where they are removed before pages are written.
      let memory = PageMemory(of: folder, beside: settings.database)
      var pages = memory.pages
      pages[token] = pages[token] ?? 0
      try memory.save(pages)
    }
    let place = settings.userPagesURL.isEmpty ? folder.path : settings.userPagesURL
    try StandardOutput.write([Escaping.plain(PageFolder.link(to: token, below: place))])
  }
}
