/// Lets each bit of a word count for all of it: the multiplication carries it up, the shift down.
func mixed(_ word: UInt64) -> UInt64 {
  let product = word &* 0xFF51_AFD7_ED55_8CCD
  return product ^ product >> 32
}
