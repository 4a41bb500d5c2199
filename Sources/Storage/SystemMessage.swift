internal import Glibc

/// The system's words for what just failed.
func systemMessage(errno number: Int32 = errno) -> String {
    unsafe String(cString: strerror(number))
}
