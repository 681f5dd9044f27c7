/// The version of all programs of the suite.
package let version = "0.1.0"
