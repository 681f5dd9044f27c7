import TestSupport
import Testing

/// The stories that hold on every server, on the simulator.
@Suite struct SharedStoriesTests {
  @Test(arguments: Story.all) func `a story holds on the simulator`(story: Story) throws {
    let quota = try Installation()
    let servers = try (0..<story.servers).map { _ in
      try quota.addServer { $0.duplicateCommonNames = story.allowsDuplicateNames }
    }
    try story.tell(on: Stage(servers, config: quota.config, database: quota.database))
  }
}
