print("libp2pd")
