import Glibc
import Quota
import Testing

@testable import Support

@Suite(.serialized) struct SystemZoneTests {
  static let offsets: [(String, Int64, Int)] = [
    ("UTC", 0, 0), ("Europe/Berlin", 1_795_466_205, 3600),
    // Daylight saving begins on 29 March 2026 and ends on 25 October, at 01:00 UTC.
    ("Europe/Berlin", 1_774_745_999, 3600), ("Europe/Berlin", 1_774_746_000, 7200),
    ("Europe/Berlin", 1_792_889_999, 7200), ("Europe/Berlin", 1_792_890_000, 3600),
    ("America/New_York", 1_795_466_205, -18_000), ("America/New_York", 1_782_864_000, -14_400),
    ("Asia/Kathmandu", 1_795_466_205, 20_700), ("Asia/Tehran", 1_795_466_205, 12_600),
    ("Pacific/Kiritimati", 1_795_466_205, 50_400), ("Etc/GMT+12", 0, -43_200),
    ("Australia/Lord_Howe", 1_795_466_205, 39_600), ("Asia/Shanghai", 4_102_444_800, 28_800),
    ("Europe/Berlin", 4_086_835_200, 7200), ("Europe/Berlin", -10_000_000_000, 3208),
  ]

  @Test(arguments: offsets) func `A zone has the offset that its file gives`(
    name: String, time: Int64, offset: Int
  ) {
    #expect(Zone.system(named: name).offset(time) == offset)
  }

  @Test func `Zones side by side do not change each other`() {
    let (east, west) = (Zone.system(named: "Asia/Tokyo"), Zone.system(named: "America/Lima"))
    for _ in 0..<3 {
      #expect(east.offset(1_795_466_205) == 32_400)
      #expect(west.offset(1_795_466_205) == -18_000)
    }
  }

  @Test func `The TZ of the user who runs the program does not count`() {
    let zone = Zone.system(named: "Asia/Tokyo")
    // Taken up before TZ changes, and after.
    unsafe setenv("TZ", "XXX+12:34", 1)
    #expect(zone.offset(1_795_466_205) == 32_400)
    unsafe setenv("TZ", "XXX+12:34", 1)
    #expect(Zone.system(named: "").offset(1_795_466_205) != -45_240)
  }

  @Test func `A time past every calendar has some offset and crashes nothing`() {
    let zone = Zone.system(named: "Europe/Berlin")
    for time in [Int64.max, .min, .max - 86_400, .min + 86_400, 1 << 56, -1 << 56] {
      #expect(abs(zone.offset(time)) <= 50_400)
      let (_, month, day) = Day(of: time, in: zone).civil
      #expect(1...12 ~= month && 1...31 ~= day)
    }
  }

  static let days: [(String, Int64, Int)] = [
    // 20:36:45 in UTC on 23 November 2026.
    ("UTC", 1_795_466_205, 2026_11_23), ("Asia/Tokyo", 1_795_466_205, 2026_11_24),
    ("America/New_York", 1_795_466_205, 2026_11_23), ("UTC", 951_782_400, 2000_02_29),
    ("Pacific/Kiritimati", 951_782_399, 2000_02_29), ("Etc/GMT+12", 951_782_400, 2000_02_28),
    ("UTC", 1_767_225_599, 2025_12_31), ("Europe/Berlin", 1_767_225_599, 2026_01_01),
    ("UTC", -1, 1969_12_31), ("UTC", 4_107_456_000, 2100_02_28), ("UTC", 4_107_542_400, 2100_03_01),
  ]

  @Test(arguments: days) func `A moment falls on the day that the zone has then`(
    name: String, time: Int64, expected: Int
  ) {
    let (year, month, day) = Day(of: time, in: .system(named: name)).civil
    #expect(Int(year * 10_000 + month * 100 + day) == expected)
  }

  @Test func `The days of 800 years follow each other as in the C library`() {
    var seconds = time_t(-12_219_292_800)
    while seconds < 13_000_000_000 {
      var broken = unsafe tm()
      #expect(unsafe gmtime_r(&seconds, &broken) != nil)
      let (year, month, day) = Day(of: Int64(seconds), in: .utc).civil
      #expect(unsafe Int(year) == Int(broken.tm_year) + 1900)
      #expect(unsafe month == Int64(broken.tm_mon) + 1 && day == Int64(broken.tm_mday))
      seconds += 86_400 * 3 + 7
    }
  }
}
