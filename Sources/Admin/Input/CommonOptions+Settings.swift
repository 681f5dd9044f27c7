import Support

extension CommonOptions {
  /// The settings, with a warning for each that makes no sense but does not stop the work.
  ///
  /// - Throws: `SettingsError`.
  func settings() throws -> Settings {
    let loaded = try Settings.load(config: config.map { FileArgument($0).path })
    AdminProgram.diagnostics.warn(of: loaded.problems)
    return loaded.settings
  }
}
