import TestSupport
import Testing

/// The stories that hold on every server, on the real OpenVPN.
@Suite(.serialized, .enabled(if: RealHost.isAvailable))
struct SharedStoriesTests {
  @Test(arguments: Story.all) func `a story holds on the real OpenVPN`(story: Story) throws {
    // A server that was stopped is not waited for.
    let quota = try QuotaHost(["RETRY_ATTEMPTS": "1"])
    // As at an installation: the database is there before the first client.
    try quota.sweep()
    var options = RealServer.Options()
    options.duplicateCommonName = story.allowsDuplicateNames
    for number in 0..<story.servers { _ = try quota.server("server\(number)", options) }
    try story.tell(on: quota.stage)
  }
}
