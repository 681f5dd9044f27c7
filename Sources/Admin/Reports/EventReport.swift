import Support
import Ledger
import Quota

/// What happened, one thing a line.
struct EventReport: Report {
  let events: [Event]
  let zone: Zone

  var table: Table {
    var table = Table([
      .init("TIME"), .init("USER", givesWay: true), .init("EVENT"), .init("DETAIL"),
    ])
    for event in events {
      table.add([
        words(forTime: event.lastAt, in: zone), event.user.forPeople, Escaping.plain(event.kind),
        words(forDetailOf: event, in: zone),
      ])
    }
    return table
  }

  var records: Records {
    var records = Records(
      "events", ["name", "name_hex", "event", "detail", "count", "first_at", "last_at"])
    for event in events {
      records.add(
        Records.Value.name(event.user) + [
          .text(event.kind), .text(event.detail), .number(event.count), .time(event.at),
          .time(event.lastAt),
        ])
    }
    return records
  }
}

/// What there is to say of an event beside its kind: a reason in words, and how often.
func words(forDetailOf event: Event, in zone: Zone) -> String {
  let detail = Escaping.plain(Reason(rawValue: event.detail)?.text ?? event.detail)
  guard event.count > 1 else { return detail }
  return "\(detail), \(event.count) times since \(words(forTime: event.at, in: zone))"
}
