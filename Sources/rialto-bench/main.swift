print("rialto-bench")
