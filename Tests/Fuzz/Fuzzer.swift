import Glibc

// What the fuzzer of the compiler (libFuzzer, `-sanitize=fuzzer`) calls. It has a `main` of its own.

/// Called once, before anything else: takes the target's name off the arguments. Processes that the
/// fuzzer starts itself are told by the environment.
@_cdecl("LLVMFuzzerInitialize")
func initialize(
  _ count: UnsafeMutablePointer<Int32>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>
) -> Int32 {
  guard unsafe count.pointee > 1, let first = unsafe arguments.pointee[1] else { return 0 }
  let name = unsafe String(cString: first)
  guard FuzzTarget.all.contains(where: { $0.name == name }) else { return 0 }
  unsafe setenv("FUZZ_TARGET", first, 1)
  unsafe count.pointee -= 1
  for index in unsafe 1...Int(count.pointee) {
    unsafe arguments.pointee[index] = unsafe arguments.pointee[index + 1]
  }
  return 0
}

/// Called with every input; a process that stops here is a find.
@_cdecl("LLVMFuzzerTestOneInput")
func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  do throws(Broken) { try chosen.check(input) } catch {
    fatalError("\(chosen.name): \(error.description)")
  }
  return 0
}

private let chosen: FuzzTarget = {
  let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
  guard let target = FuzzTarget.all.first(where: { $0.name == name }) else {
    fatalError("name a target first: \(FuzzTarget.all.map(\.name).joined(separator: ", "))")
  }
  return target
}()
