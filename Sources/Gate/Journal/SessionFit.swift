/// How an `end`, or a row of a listing, fits a session that its server, process and second have in
/// common with it; the first is best.
///
/// Real addresses change where a client floats, virtual ones where the server pushes others, and two
/// sessions of one second can share either; so no single one decides.
package enum SessionFit: Int, Comparable, Sendable {
  /// The real address with its port and the virtual address are the same.
  case clientAndAddress
  /// The real address with its port is.
  case client
  /// The virtual address is.
  case address

  /// - Parameter isSameClient: whether both real addresses are known and are the same with their
  ///   ports.
  /// - Returns: nil where it does not fit.
  package init?(
    isSameClient: Bool, _ addresses: VirtualAddresses, _ others: VirtualAddresses
  ) {
    switch (isSameClient, addresses.fits(others)) {
    case (true, true): self = .clientAndAddress
    case (true, false): self = .client
    case (false, true) where !addresses.isEmpty: self = .address
    default: return nil
    }
  }

  package static func < (left: SessionFit, right: SessionFit) -> Bool {
    left.rawValue < right.rawValue
  }

  /// The number of the candidate that fits best; of several that fit alike, the last.
  ///
  /// - Parameter fits: the candidates in the order of the journal, nil for those that do not fit.
  package static func best(of fits: [SessionFit?]) -> Int? {
    var best: (fit: SessionFit, index: Int)?
    for index in fits.indices {
      guard let fit = fits[index] else { continue }
      if let best, best.fit < fit { continue }
      best = (fit, index)
    }
    return best?.index
  }
}
