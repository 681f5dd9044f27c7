/// Where the time goes of goals that were missed when this was last looked at.
enum MissedGoals {
  /// By the goal and its unit, as they stand in the table.
  static let reasons: [String: String] = [
    "quota-connect, 10 000 lines waiting, half of them the user's own ms":
      "11 400 instructions for each line of the user's own: two thirds read all its fields, texts "
      + "that the hook has no use for as well, a fifth finds the session it belongs to.",
    "quota-sweep, 10 000 changed, CPU time × the floor": sweep,
    "quota-sweep, 100 000 changed, CPU time × the floor": sweep,
    "quota-sweep, 10 000 changed, resident MB":
      "11 MB are the files of the program and of the libraries, half of it code that the kernel maps "
      + "around what is run; the rest is SQLite's pages, the listing's rows and the next table.",
  ]

  private static let sweep =
    "of 49 000 instructions a session 14 500 read and write the user's row, 7 000 parse and observe "
    + "the listing, 7 000 read the sessions; the rest matches, decides and writes counters, buckets "
    + "and the access table."
}
