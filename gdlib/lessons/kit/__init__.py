"""What the lessons are made with: exercises, predictions, explorers, notes, and the ledger of claims."""
