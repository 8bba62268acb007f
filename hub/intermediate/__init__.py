"""Links over partners' databases (数据交换中间库): picking up what partners write, and writing to them."""
