import TestSupport
import Testing

/// The stories that hold on every server, on the simulator.
@Suite struct SharedStoriesTests {
  @Test(arguments: Story.all) func `a story holds on the simulator`(story: Story) throws {
    let quota = try Installation()
    for _ in 0..<story.servers {
      _ = try quota.addServer { $0.duplicateCommonNames = story.allowsDuplicateNames }
    }
    try story.tell(on: Stage(quota))
  }
}
