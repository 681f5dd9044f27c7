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
      "14 MB are the program itself; the rest is the listing, its rows and the access table, each "
      + "held whole.",
    "`quota-admin set user7 --quota`, 100 000 users s": change,
    "`quota-admin grant user7 1GB`, 100 000 users s": change,
    "`quota-admin add`, 100 000 users s": change,
    "`quota-admin disable`, 100 000 users s": change,
  ]

  private static let sweep =
    "of 85 000 instructions a session a third counts it (two updates of rows with many columns), a "
    + "third writes the access table anew, the rest matches, decides and reads the listing; each "
    + "user's terms are read three times."
  private static let change =
    "the access table is written anew, 24 000 instructions a user to read what holds for them; the "
    + "one changed user could be patched into a copy."
}
