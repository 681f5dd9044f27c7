/// Where the time goes of goals that were missed when this was last looked at.
enum MissedGoals {
  /// By the goal and its unit, as they stand in the table.
  static let reasons: [String: String] = [
    "quota-connect, time × true": connect, "quota-connect, time × the floor": connect,
    "quota-connect, 10 000 lines waiting, half of them the user's own ms":
      "8 900 instructions for each line of the user's own: an eighth reads the digits of its numbers, an "
      + "eighth finds it by its second, an eighth hashes where the client is, a twelfth checks the sum. A "
      + "table of where all fields of a line stand was slower.",
    "quota-connect, 10 000 lines waiting, what they add ms a 100 000":
      "122 instructions a line look for the name; what is left is reading 184 bytes a line out of the "
      + "page cache. Half the buffer saves 15 page faults of 47, and no time that could be seen; to map "
      + "the file would let the hooks' account kill a hook by cutting it.",
    "cut early, UDP of 200 Mbit/s, down bytes":
      "nftables counts a packet before the tunnel's queue drops it, and sees no drop: a stream without "
      + "congestion control that is faster than the tunnel is cut early, and goes on with the next sweep.",
    "quota-sweep, 10 000 changed, CPU time × the floor": sweep,
    "quota-sweep, 100 000 changed, CPU time × the floor": sweep,
    "quota-sweep, 10 000 changed, resident MB":
      "9.5 MB are the files of the program and of the libraries, half of it code that the kernel maps "
      + "around what is run; the rest is SQLite's pages, the listing's rows and the next table.",
  ]

  private static let connect =
    "what it does takes 31 µs once it has been done in the same process, and 104 the first time: code and "
    + "paths of the kernel that no cache has yet, and 15 page faults (the floor has 8), of 1.2 µs each. "
    + "Twenty system calls more take less than 1 µs."

  private static let sweep =
    "of 43 000 instructions a session 14 500 read and write the user's row, which has 27 columns, 6 500 "
    + "parse and observe the listing, 7 000 read the sessions; the rest matches, decides and writes "
    + "counters, buckets and the access table."
}
