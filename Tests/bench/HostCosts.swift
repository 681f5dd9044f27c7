import TestSupport

/// What it costs several hosts to share their users, with a PostgreSQL on this machine.
enum HostCosts {
  private static let users = 10_000
  private static let rounds = 5

  static func measure(into report: BenchReport) throws {
    let cluster = try PostgresCluster()
    report.add(
      BenchReport.Section(
        title: "Several hosts, \(Figures.grouped(users)) users",
        text: """
          quota-sync, with a PostgreSQL on this machine. On each host another tenth of the users used \
          more since its last run, so it tells of \(Figures.grouped(users / 10)) and hears of nearly all \
          others: the worst that can be. As a median of \(rounds) runs.
          """,
        columns: ["", "10 hosts, wall ms", "CPU ms", "50 hosts, wall ms", "CPU ms"],
        rows: zip(try figures(of: 10, on: cluster), try figures(of: 50, on: cluster)).map {
          [$0.what]
            + [$0, $1].flatMap { [Decimal.text($0.cost.wall), Decimal.text($0.cost.processor)] }
        }))
  }

  private typealias Figure = (what: String, cost: TimedProgram.Cost)

  private static func figures(of count: Int, on cluster: PostgresCluster) throws -> [Figure] {
    let database = "hosts\(count)"
    try cluster.run("createdb", ["-h", cluster.socket, "-U", "owner", database])
    let environment = ["SYNC": cluster.settings(of: database)]
    func run(_ host: SpeedBench, _ words: String...) throws -> TimedProgram.Cost {
      try TimedProgram.run(
        [Program.path("quota-sync")] + words + ["--config", host.config], environment: environment)
    }
    let hosts = try (1...count).map { _ in try SpeedBench() }
    let names = (1...users).map { "user\($0),50000000000,month\n" }.joined()
    let list = try hosts[0].write("name,quota_bytes,period\n" + names, to: "users.csv")
    try hosts[0].admin("import", list)
    _ = try run(hosts[0], "--init")
    let first = try run(hosts[0], "--join", "--host", "host0")
    let others = try (1..<count).map { try run(hosts[$0], "--join", "--host", "host\($0)") }
    // Once, so that each host has a row for a tenth of the users.
    var changed: [TimedProgram.Cost] = []
    for round in 0..<2 {
      for (place, host) in hosts.enumerated() {
        try host.probe.raiseUsage(ofTenth: place % 10, by: 1000)
        let cost = try run(host)
        if round == 1, place < rounds { changed.append(cost) }
      }
    }
    _ = try run(hosts[0])
    let idle = try (1...rounds).map { _ in try run(hosts[0]) }
    return [
      ("joining with all users", first), ("joining and taking all users in", others.median),
      ("a run with a tenth changed on each host", changed.median),
      ("a run with no news", idle.median),
    ]
  }
}
