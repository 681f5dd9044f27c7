import Support
import Ledger
import System
import Quota

/// What `NOTIFY_COMMAND` is told of a notice; quota-admin(8) lists the variables.
struct NoticeLetter {
  private let notice: Notice
  private let user: UserRecord
  private let words: Words

  init(_ notice: Notice, to user: UserRecord, _ words: Words) {
    self.notice = notice
    self.user = user
    self.words = words
  }

  /// `NAME=VALUE` as bytes, for a user's name is any bytes.
  var environment: [[UInt8]] {
    let texts = [
      ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
      ("QUOTA_NOTICE", notice.kind.rawValue), ("QUOTA_DETAIL", notice.detail),
      ("QUOTA_AT", isoTime(notice.at)), ("QUOTA_TRY", "\(notice.tries + 1)"),
      ("QUOTA_USED_BYTES", "\(notice.used)"), ("QUOTA_LIMIT_BYTES", "\(notice.limit)"),
      ("QUOTA_USED", words.size(notice.used)),
      ("QUOTA_LIMIT", words.quota(notice.limit)),
      ("QUOTA_PERIOD_START", periodStart ?? ""), ("QUOTA_PERIOD_END", periodEnd ?? ""),
      ("QUOTA_EXPIRES_AT", expiry ?? ""), ("QUOTA_TEXT", text),
    ]
    return texts.map { Array("\($0)=\($1)".utf8) }
      + [Array("QUOTA_USER=".utf8) + notice.user.bytes, Array("QUOTA_JSON=".utf8) + json]
  }

  /// All of it for programs that take JSON: a shell cannot escape a name.
  private var json: [UInt8] {
    var json = JSONWriter()
    json.object { json in
      json.name(notice.user)
      json.field("notice", notice.kind.rawValue)
      json.field("detail", notice.detail)
      json.field("text", text)
      json.field("at", isoTime(notice.at))
      json.field("try", notice.tries + 1)
      json.field("used_bytes", notice.used)
      json.field("limit_bytes", notice.limit)
      json.field("period_start", periodStart)
      json.field("period_end", periodEnd)
      json.field("expires_at", expiry)
    }
    return json.bytes
  }

  private var periodStart: String? {
    let start = user.entitlement.span.start
    return start == 0 ? nil : isoTime(start)
  }

  private var periodEnd: String? {
    let end = user.entitlement.span.end
    return end == .max ? nil : isoTime(end)
  }

  private var expiry: String? { user.entitlement.expiresAt.map(isoTime) }

  /// The notice as a sentence for the user.
  var text: String {
    switch notice.kind {
    case .usage:
      "\(user.name.forPeople) has used \(notice.detail)% of the traffic quota: "
        + "\(words.size(notice.used)) of \(words.quota(notice.limit))\(renewal)."
    case .expiry:
      "The account of \(user.name.forPeople) expires on "
        + "\(words.time(notice.period))."
    case .refused: "\(user.name.forPeople) was refused: \(reason)\(renewal)."
    case .slowed:
      "\(user.name.forPeople) has used up the traffic quota and goes on at \(notice.detail)"
        + "\(renewal)."
    case .killed: "\(user.name.forPeople) was disconnected: \(reason)\(renewal)."
    }
  }

  private var reason: String { Reason(rawValue: notice.detail)?.text ?? notice.detail }

  /// When usage starts over, where that bears on the matter.
  private var renewal: String {
    let isAboutUsage =
      [.usage, .slowed].contains(notice.kind) || notice.detail == Reason.quota.rawValue
    guard isAboutUsage, user.entitlement.span.end < .max else { return "" }
    return "; it starts over on \(words.time(user.entitlement.span.end))"
  }
}
