"""What MiniStack lacks, one module per gap; ``gaps_installed`` lists them."""
